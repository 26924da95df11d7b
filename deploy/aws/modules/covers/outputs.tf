output "volume" {
  value = {
    file_system_id   = aws_efs_file_system.this.id
    file_system_arn  = aws_efs_file_system.this.arn
    access_point_id  = aws_efs_access_point.this.id
    access_point_arn = aws_efs_access_point.this.arn
  }
  depends_on = [aws_efs_mount_target.this]
}
