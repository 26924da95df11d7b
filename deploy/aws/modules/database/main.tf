# PostgreSQL: private, encrypted, restorable to any second of the last `backup_days`. Time limits stand with the
# shop's role, and each `migrate` sets what it lacks of them (docs/operations.md, "Time limits").

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-database-"
  description = "PostgreSQL, from the shop's tasks only"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "shop" {
  security_group_id            = aws_security_group.this.id
  description                  = "The shop's tasks"
  referenced_security_group_id = var.client_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

# The password is made once, kept in its secret, and read from there: it is in no state and no plan.
ephemeral "random_password" "this" {
  length  = 40
  special = false
}

resource "aws_secretsmanager_secret" "password" {
  #checkov:skip=CKV_AWS_149:Whoever may decrypt is decided by the roles; a key of our own decides the same once more
  #checkov:skip=CKV2_AWS_57:Changing it takes a roll-out, which no rotation does; README.md tells how
  name        = "${var.name}/database-password"
  description = "Password of the shop's database role"
}

resource "aws_secretsmanager_secret_version" "password" {
  secret_id                = aws_secretsmanager_secret.password.id
  secret_string_wo         = ephemeral.random_password.this.result
  secret_string_wo_version = 1 # raise it for a new password, then roll out
}

ephemeral "aws_secretsmanager_secret_version" "password" {
  secret_id = aws_secretsmanager_secret_version.password.secret_id
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_lock_waits"
    value = "1"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:CloudWatch has what the alarms need
  #checkov:skip=CKV_AWS_161:The shop signs in with a password; tokens of 15 minutes would have to be made by it
  #checkov:skip=CKV_AWS_354:Performance Insights hold statements without values
  identifier     = var.name
  engine         = "postgres"
  engine_version = "17"
  instance_class = var.instance_class
  db_name        = "tickets"
  username       = "tickets"

  password_wo         = ephemeral.aws_secretsmanager_secret_version.password.secret_string
  password_wo_version = aws_secretsmanager_secret_version.password.secret_string_wo_version

  allocated_storage     = 20
  max_allocated_storage = 100
  storage_type          = "gp3"
  storage_encrypted     = true

  multi_az               = var.multi_az
  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period    = var.backup_days
  backup_window              = "03:00-03:30"
  maintenance_window         = "Tue:04:00-Tue:04:30"
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = false
  final_snapshot_identifier  = "${var.name}-last"

  # Not the statements' log ("postgresql"): a refused row is repeated there with the buyer's address in it.
  enabled_cloudwatch_logs_exports = ["upgrade"]
  performance_insights_enabled    = true
}
