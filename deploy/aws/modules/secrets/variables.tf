variable "name" { type = string }

variable "optional" {
  type = set(string)

  validation {
    condition = length(setsubtract(var.optional, [
      "LIGHTSPARK_API_TOKEN", "UMA_SIGNING_NEXT_PRIVATE_KEY", "UMA_SIGNING_NEXT_CERT_CHAIN", "CACHE_URL", "SENTRY_DSN",
      "DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL", "GRIP_URL", "MAIL_PROVIDER_TOKEN", "MAIL_WEBHOOK_SECRET",
      "MAIL_WEBHOOK_SIGNING_KEY",
    ])) == 0
    error_message = "The shop knows no such secret, or has it anyway."
  }
}
