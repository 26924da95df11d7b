variable "name" { type = string }
variable "vpc_id" { type = string }
variable "subnet_ids" { type = list(string) }
variable "client_group_id" { type = string }
variable "instance_class" { type = string }
variable "multi_az" { type = bool }
variable "backup_days" { type = number }
variable "deletion_protection" { type = bool }
