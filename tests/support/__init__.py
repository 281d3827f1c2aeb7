"""What tests share: fakes and fixtures that anyone may use."""
