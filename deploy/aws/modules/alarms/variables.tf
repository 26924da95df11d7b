variable "name" { type = string }
variable "host" { type = string }
variable "emails" { type = set(string) }
variable "certificate_arn" { type = string }
variable "database_id" { type = string }
variable "most_connections" { type = number }
variable "log_group" { type = string }
