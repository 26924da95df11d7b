"""The shop past one machine, on real engines: the profile `scale` of compose.yaml, and a read replica."""
