variable "name" { type = string }
variable "vpc_id" { type = string }
variable "subnet_ids" { type = list(string) }
variable "certificate_arn" { type = string }
variable "idle_seconds" { type = number }
variable "deletion_protection" { type = bool }
