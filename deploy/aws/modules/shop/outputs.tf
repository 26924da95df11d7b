output "cluster" { value = aws_ecs_cluster.this.name }
output "security_group_id" { value = aws_security_group.this.id }
output "log_group" { value = aws_cloudwatch_log_group.this.name }

output "tasks" {
  value = {
    definitions     = { for name, task in aws_ecs_task_definition.this : name => task.arn }
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.this.id]
    has_public_ip   = var.has_public_ip
  }
}
