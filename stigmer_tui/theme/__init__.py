"""How it looks: two themes, one accent, the shapes and colours of phases. `looks` and `phases` import nothing of ours."""
