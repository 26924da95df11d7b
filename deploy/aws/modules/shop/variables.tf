variable "name" { type = string }
variable "region" { type = string }
variable "image" { type = string }
variable "migrate_image" { type = string }
variable "settings" { type = map(string) }
variable "secret_arn" { type = string }
variable "secret_names" { type = list(string) }
variable "database_secret_arn" { type = string }
variable "repository_arn" { type = string }
variable "vpc_id" { type = string }
variable "subnet_ids" { type = list(string) }
variable "has_public_ip" { type = bool }
variable "target_group_arn" { type = string }
variable "balancer_group_id" { type = string }
variable "web_count" { type = number }
variable "worker_count" { type = number }
variable "cpu" { type = number }
variable "memory" { type = number }

variable "covers" {
  type = object({
    file_system_id   = string
    file_system_arn  = string
    access_point_id  = string
    access_point_arn = string
  })
}
