"""Reports and exports: what was sold, paid and attended, and the rows behind it. They only read."""
