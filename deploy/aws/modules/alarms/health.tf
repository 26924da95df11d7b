# From outside, as buyers come. Route 53 has its metrics, and so this alarm, in us-east-1.

resource "aws_route53_health_check" "this" {
  provider          = aws.virginia
  fqdn              = var.host
  type              = "HTTPS"
  port              = 443
  resource_path     = "/health"
  request_interval  = 30
  failure_threshold = 3
  tags              = { Name = var.name }
}

resource "aws_sns_topic" "health" {
  #checkov:skip=CKV_AWS_26:As in main.tf
  provider = aws.virginia
  name     = "${var.name}-health"
}

resource "aws_sns_topic_subscription" "health" {
  provider  = aws.virginia
  for_each  = var.emails
  topic_arn = aws_sns_topic.health.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "health" {
  provider            = aws.virginia
  alarm_name          = "${var.name}-health"
  alarm_description   = local.row.health
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  dimensions          = { HealthCheckId = aws_route53_health_check.this.id }
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.health.arn]
}
