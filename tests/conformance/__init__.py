"""What every backend does alike, whatever it is reached by and wherever it keeps things."""
