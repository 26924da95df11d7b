# The shop on AWS; README.md tells the way from nothing to a paid ticket.

locals {
  # gunicorn must keep an idle connection longer than the balancer does, or the balancer answers some requests 502.
  idle_seconds = 120

  settings = merge({
    SITE_URL               = "https://${var.host}"
    TRUSTED_PROXIES        = "1"
    SECURE_SSL_REDIRECT    = "0" # the balancer does it
    WEB_WORKERS            = "1"
    WEB_KEEPALIVE_SECONDS  = tostring(local.idle_seconds + 5)
    VAR_DIR                = "/data"
    TMPDIR                 = "/dev/shm" # the root is read-only; uploads wait here
    DB_HOST                = module.database.host
    DB_PORT                = tostring(module.database.port)
    DB_NAME                = module.database.name
    DB_USER                = module.database.user
    PGSSLMODE              = "require" # libpq's own: never in clear
    DB_PREPARED_STATEMENTS = "1" # no pooler is between
  }, var.settings)
}

module "network" {
  source      = "./modules/network"
  name        = var.name
  nat_gateway = var.nat_gateway
}

module "registry" {
  source = "./modules/registry"
  name   = var.name
}

module "secrets" {
  source   = "./modules/secrets"
  name     = var.name
  optional = var.optional_secrets
}

module "database" {
  source              = "./modules/database"
  name                = var.name
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  client_group_id     = module.shop.security_group_id
  instance_class      = var.database_class
  multi_az            = var.multi_az
  backup_days         = var.backup_days
  deletion_protection = var.deletion_protection
}

module "covers" {
  source          = "./modules/covers"
  name            = var.name
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.private_subnet_ids
  client_group_id = module.shop.security_group_id
}

module "balancer" {
  source              = "./modules/balancer"
  name                = var.name
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.public_subnet_ids
  certificate_arn     = var.certificate_arn
  idle_seconds        = local.idle_seconds
  deletion_protection = var.deletion_protection
}

module "shop" {
  source              = "./modules/shop"
  name                = var.name
  region              = var.region
  image               = var.image
  migrate_image       = coalesce(var.migrate_image, var.image, "none-yet")
  settings            = local.settings
  secret_arn          = module.secrets.arn
  secret_names        = module.secrets.names
  database_secret_arn = module.database.secret_arn
  repository_arn      = module.registry.arn
  covers              = module.covers.volume
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.task_subnet_ids
  has_public_ip       = !var.nat_gateway
  target_group_arn    = module.balancer.target_group_arn
  balancer_group_id   = module.balancer.security_group_id
  web_count           = var.web_count
  worker_count        = var.worker_count
  cpu                 = var.cpu
  memory              = var.memory
}

module "alarms" {
  source           = "./modules/alarms"
  name             = var.name
  host             = var.host
  emails           = var.alarm_emails
  certificate_arn  = var.certificate_arn
  database_id      = module.database.id
  most_connections = 60 # of some 80 that db.t4g.micro has
  log_group        = module.shop.log_group

  providers = {
    aws          = aws
    aws.virginia = aws.virginia
  }
}
