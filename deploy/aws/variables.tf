variable "name" {
  description = "Prefix of everything that is made."
  type        = string
  default     = "tickets"
}

variable "region" {
  description = "Where it runs, such as eu-central-1."
  type        = string
}

variable "host" {
  description = "The shop's host name; SITE_URL is https:// and this."
  type        = string
}

variable "certificate_arn" {
  description = "An issued ACM certificate for `host`, in `region`."
  type        = string
}

variable "alarm_emails" {
  description = "Who is told when an alarm goes off; each confirms the subscription once."
  type        = set(string)
}

variable "image" {
  description = "Image of web, worker and audit, by digest. Empty: nothing runs yet. `deploy.sh` sets it."
  type        = string
  default     = ""
}

variable "migrate_image" {
  description = "Image whose migrations run before the others get it. `deploy.sh` sets it."
  type        = string
  default     = ""
}

variable "settings" {
  description = "More settings by docs/operations.md, none of them secret, such as ADMIN_EMAILS."
  type        = map(string)
  default     = {}
}

variable "optional_secrets" {
  description = "Secrets beyond the required ones that the shop is to get; each must have a value."
  type        = set(string)
  default     = []
}

variable "web_count" {
  type    = number
  default = 2
}

variable "worker_count" {
  type    = number
  default = 1
}

variable "cpu" {
  description = "CPU units of each task: 512 is half a core."
  type        = number
  default     = 512
}

variable "memory" {
  description = "MiB of each task."
  type        = number
  default     = 1024
}

variable "database_class" {
  type    = string
  default = "db.t4g.micro"
}

variable "multi_az" {
  description = "A second database in another zone that takes over within minutes; twice its price."
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "How many days back the database can be restored to any second."
  type        = number
  default     = 14
}

variable "nat_gateway" {
  description = "Tasks in private subnets, out through one NAT gateway. False: in public subnets, closed to all but the balancer."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "False lets `destroy` take the database and the balancer."
  type        = bool
  default     = true
}
