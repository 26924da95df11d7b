variable "name" { type = string }
variable "nat_gateway" { type = bool }
