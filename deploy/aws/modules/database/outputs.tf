output "id" { value = aws_db_instance.this.identifier }
output "host" { value = aws_db_instance.this.address }
output "port" { value = aws_db_instance.this.port }
output "name" { value = aws_db_instance.this.db_name }
output "user" { value = aws_db_instance.this.username }
output "secret_arn" { value = aws_secretsmanager_secret.password.arn }
