# One secret with a JSON object in it. Terraform makes it and never sees a value: `deploy.sh secrets` puts them.
# tests/deploy/test_aws.py compares the names with the settings.

locals {
  required = [
    "SECRET_KEY",
    "JWT_SECRET",
    "SECOND_FACTOR_KEYS",
    "EMAIL_URL",
    "LIGHTSPARK_API_TOKEN_CLIENT_ID",
    "LIGHTSPARK_API_TOKEN_CLIENT_SECRET",
    "LIGHTSPARK_NODE_ID",
    "LIGHTSPARK_NODE_PASSWORD",
    "LIGHTSPARK_WEBHOOK_SIGNING_KEY",
    "UMA_SIGNING_PRIVATE_KEY",
    "UMA_SIGNING_CERT_CHAIN",
    "UMA_ENCRYPTION_PRIVATE_KEY",
    "UMA_ENCRYPTION_CERT_CHAIN",
  ]
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV_AWS_149:As the password of the database
  #checkov:skip=CKV2_AWS_57:Nobody but Lightspark and the operator can make these anew
  name        = "${var.name}/shop"
  description = "What the shop's settings need and nobody may read"
}
