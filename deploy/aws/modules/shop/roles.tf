# Three roles, each with what it needs and nothing else.

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "by_tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

# ECS itself, to start a task: the image, its log, its secrets.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.by_tasks.json
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "SignInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # it takes no other
  }

  statement {
    sid       = "PullTheImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  statement {
    sid       = "ReadTheSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.secret_arn, var.database_secret_arn]
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-a-task"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

# The running shop: its files, no other service of AWS. Migrations and audits have no role at all.
resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = data.aws_iam_policy_document.by_tasks.json
}

data "aws_iam_policy_document" "task" {
  statement {
    sid       = "KeepCovers"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [var.covers.file_system_arn]

    condition {
      test     = "StringEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [var.covers.access_point_arn]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "keep-covers"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

# The scheduler, to start audits.
data "aws_iam_policy_document" "by_scheduler" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "scheduler" {
  name               = "${var.name}-scheduler"
  assume_role_policy = data.aws_iam_policy_document.by_scheduler.json
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    sid       = "StartAudits"
    actions   = ["ecs:RunTask"]
    resources = ["${aws_ecs_task_definition.this["audit"].arn_without_revision}:*"]
  }

  statement {
    sid       = "WithTheirRole"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.execution.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "start-audits"
  role   = aws_iam_role.scheduler.id
  policy = data.aws_iam_policy_document.scheduler.json
}
