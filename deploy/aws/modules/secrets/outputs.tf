output "arn" { value = aws_secretsmanager_secret.this.arn }
output "names" { value = sort(concat(local.required, tolist(var.optional))) }
