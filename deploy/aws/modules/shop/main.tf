# One image, four task definitions: web and worker run always, migrate once per version, audit every 15 minutes.

locals {
  is_running = var.image != ""
  image      = local.is_running ? var.image : "none-yet"

  tasks = {
    web     = { image = local.image, command = null, stop_seconds = 10, covers = true }
    worker  = { image = local.image, command = ["python", "manage.py", "worker"], stop_seconds = 60, covers = true }
    audit   = { image = local.image, command = ["python", "manage.py", "audit", "--json"], stop_seconds = 10, covers = false }
    migrate = { image = var.migrate_image, command = ["python", "manage.py", "migrate", "--no-input"], stop_seconds = 60, covers = false }
  }

  secrets = concat(
    [for name in var.secret_names : { name = name, valueFrom = "${var.secret_arn}:${name}::" }],
    [{ name = "DB_PASSWORD", valueFrom = var.database_secret_arn }],
  )
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:No alarm needs Container Insights, and each of their metrics is paid for
  name = var.name
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Lines name no person and hold no secret
  #checkov:skip=CKV_AWS_338:What must be kept for years is in the database, not in the log
  name              = "/${var.name}"
  retention_in_days = 60
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-tasks-"
  description = "The shop's tasks: in from the balancer, out to node, wallets and mail server"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  security_group_id            = aws_security_group.this.id
  description                  = "The balancer"
  referenced_security_group_id = var.balancer_group_id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

# Wallets choose their ports, so every one is open outwards; the shop's own guard refuses private addresses.
resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.this.id
  description       = "Node, wallets, mail server, database"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.tasks
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = each.value.covers ? aws_iam_role.task.arn : null

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  container_definitions = jsonencode([{
    name                   = each.key
    image                  = each.value.image
    command                = each.value.command
    essential              = true
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    portMappings           = each.key == "web" ? [{ containerPort = 8080, protocol = "tcp" }] : []
    environment            = [for name, value in var.settings : { name = name, value = value }]
    secrets                = local.secrets
    stopTimeout            = each.value.stop_seconds
    mountPoints            = each.value.covers ? [{ sourceVolume = "data", containerPath = "/data", readOnly = false }] : []

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = each.key
      }
    }
  }])

  dynamic "volume" {
    for_each = each.value.covers ? [1] : []

    content {
      name = "data"

      efs_volume_configuration {
        file_system_id     = var.covers.file_system_id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = var.covers.access_point_id
          iam             = "ENABLED"
        }
      }
    }
  }
}

resource "aws_ecs_service" "web" {
  name                               = "web"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this["web"].arn
  desired_count                      = local.is_running ? var.web_count : 0
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 60
  wait_for_steady_state              = true

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.has_public_ip
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = "web"
    container_port   = 8080
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

resource "aws_ecs_service" "worker" {
  name                               = "worker"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this["worker"].arn
  desired_count                      = local.is_running ? var.worker_count : 0
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100 # two at a time are fine: rows are taken by lease
  deployment_maximum_percent         = 200
  wait_for_steady_state              = true

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.has_public_ip
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

resource "aws_scheduler_schedule" "audit" {
  #checkov:skip=CKV_AWS_297:A schedule holds no data
  name                = "${var.name}-audit"
  schedule_expression = "rate(15 minutes)"
  state               = local.is_running ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_ecs_cluster.this.arn
    role_arn = aws_iam_role.scheduler.arn

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.this["audit"].arn
      launch_type         = "FARGATE"

      network_configuration {
        subnets          = var.subnet_ids
        security_groups  = [aws_security_group.this.id]
        assign_public_ip = var.has_public_ip
      }
    }

    retry_policy {
      maximum_retry_attempts = 0
    }
  }
}
