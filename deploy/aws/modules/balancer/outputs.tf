output "dns_name" { value = aws_lb.this.dns_name }
output "security_group_id" { value = aws_security_group.this.id }

output "target_group_arn" {
  value      = aws_lb_target_group.web.arn
  depends_on = [aws_lb_listener.https] # a service can register only with a group that has a listener
}
