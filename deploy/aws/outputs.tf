output "image" {
  description = "What runs now; `deploy.sh` goes back to it when a version fails."
  value       = var.image
}

output "repository_url" {
  value = module.registry.url
}

output "secret_arn" {
  value = module.secrets.arn
}

output "secret_names" {
  value = module.secrets.names
}

output "balancer" {
  description = "What `host` is to point at (CNAME, or an alias in Route 53)."
  value       = module.balancer.dns_name
}

output "site_url" {
  value = "https://${var.host}"
}

output "cluster" {
  value = module.shop.cluster
}

output "tasks" {
  description = "How to run a command once: task definitions and where they go."
  value       = module.shop.tasks
}
