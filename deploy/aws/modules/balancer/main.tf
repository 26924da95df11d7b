# TLS ends here. No access log: addresses of orders hold a secret, and the balancer cannot leave them out of its log.

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-balancer-"
  description = "https from everywhere, http to be sent there"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "Buyers and wallets"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  #checkov:skip=CKV_AWS_260:It answers with a redirect to https and nothing else
  security_group_id = aws_security_group.this.id
  description       = "Sent to https"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  security_group_id = aws_security_group.this.id
  description       = "The web servers"
  cidr_ipv4         = "10.40.0.0/16"
  ip_protocol       = "tcp"
  from_port         = 8080
  to_port           = 8080
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:Addresses of orders hold a secret, which an access log would repeat
  #checkov:skip=CKV2_AWS_28:The shop limits by itself (LIMIT_*), and a WAF costs more than the rest; put one before a large shop
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.this.id]
  idle_timeout               = var.idle_seconds # a live page is silent for 15 seconds at most
  drop_invalid_header_fields = true
  preserve_host_header       = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection
}

resource "aws_lb_target_group" "web" {
  name_prefix          = "web-"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = 10 # live pages come back by themselves, elsewhere

  health_check {
    path                = "/health/live" # not /health: a silent node is no reason to stop selling
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
    matcher             = "200"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
