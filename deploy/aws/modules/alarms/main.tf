# At least one alarm for each row of the table in docs/operations.md ("Tell somebody when"), in whose words each
# description begins. tests/deploy/test_aws.py compares.

terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.virginia]
    }
  }
}

locals {
  row = {
    health    = "/health is 503 for two minutes"
    audit     = "manage.py audit exits 1"
    attention = "audit --json has needs_attention"
    errors    = "a line with \"level\": \"error\" or \"critical\""
    refused   = "many 401 on the route api/webhooks/payment"
    mails     = "mails are not sent"
    usual     = "disk, PostgreSQL connections, certificate of the proxy"
  }

  # What the log tells: its lines are JSON. An audit writes one line; CloudWatch cannot look through a list, so the
  # first places of its `needs_attention` are named one by one.
  from_log = {
    audit-broken = {
      says = local.row.audit, pattern = "{ $.ok IS FALSE }", most = 0, minutes = 15
    }
    needs-attention = {
      says = local.row.attention, pattern = "{ $.needs_attention[0].kind = \"*\" }", most = 0, minutes = 15
    }
    errors = {
      says = local.row.errors, pattern = "{ $.level = \"error\" || $.level = \"critical\" }", most = 0, minutes = 5
    }
    money-at-risk = {
      says    = "${local.row.errors}: at once"
      pattern = "{ $.event = \"*seats released though the node has not answered*\" || $.event = \"*money without an invoice*\" }"
      most    = 0, minutes = 1
    }
    webhooks-refused = {
      says = local.row.refused, pattern = "{ $.route = \"api/webhooks/payment\" && $.status = 401 }", most = 20, minutes = 15
    }
    mails-unsent = {
      says    = local.row.mails
      pattern = "{ ${join(" || ", [for place in range(12) : "$.needs_attention[${place}].model = \"tickets.mail\""])} }"
      most    = 0, minutes = 15
    }
  }
}

resource "aws_sns_topic" "this" {
  #checkov:skip=CKV_AWS_26:An alarm's words hold nothing of anybody; encrypted topics need a key of our own to let alarms in
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "this" {
  for_each  = var.emails
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each       = local.from_log
  name           = each.key
  log_group_name = var.log_group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = var.name
    name      = each.key
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "from_log" {
  for_each            = local.from_log
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = var.name
  metric_name         = each.key
  statistic           = "Sum"
  period              = each.value.minutes * 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.most
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
}

# An audit that never ran finds nothing either.
resource "aws_cloudwatch_log_metric_filter" "audit_passed" {
  name           = "audit-passed"
  log_group_name = var.log_group
  pattern        = "{ $.ok IS TRUE }"

  metric_transformation {
    namespace = var.name
    name      = "audit-passed"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "audit_missing" {
  alarm_name          = "${var.name}-audit-missing"
  alarm_description   = "${local.row.audit}: none has passed for 45 minutes"
  namespace           = var.name
  metric_name         = "audit-passed"
  statistic           = "Sum"
  period              = 2700
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.this.arn]
}

# -- the database and the certificate
resource "aws_cloudwatch_metric_alarm" "disk" {
  alarm_name          = "${var.name}-disk"
  alarm_description   = "${local.row.usual}: less than 4 GB of disk are left"
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = { DBInstanceIdentifier = var.database_id }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 4000000000
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.this.arn]
}

resource "aws_cloudwatch_metric_alarm" "connections" {
  alarm_name          = "${var.name}-connections"
  alarm_description   = "${local.row.usual}: connections run out"
  namespace           = "AWS/RDS"
  metric_name         = "DatabaseConnections"
  dimensions          = { DBInstanceIdentifier = var.database_id }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.most_connections
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.this.arn]
}

resource "aws_cloudwatch_metric_alarm" "certificate" {
  alarm_name          = "${var.name}-certificate"
  alarm_description   = "${local.row.usual}: the certificate ends within two weeks"
  namespace           = "AWS/CertificateManager"
  metric_name         = "DaysToExpiry"
  dimensions          = { CertificateArn = var.certificate_arn }
  statistic           = "Minimum"
  period              = 86400
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 14
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.this.arn]
}
