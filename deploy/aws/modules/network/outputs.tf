output "vpc_id" { value = aws_vpc.this.id }
output "public_subnet_ids" { value = aws_subnet.public[*].id }
output "private_subnet_ids" { value = aws_subnet.private[*].id }
output "task_subnet_ids" { value = var.nat_gateway ? aws_subnet.private[*].id : aws_subnet.public[*].id }
