# /data of every task: uploaded covers, a few MB in all. EFS and not S3, because the shop reads and writes them as
# files; S3 would bring an SDK and a second kind of storage into the image, for what costs cents here.

resource "aws_efs_file_system" "this" {
  #checkov:skip=CKV_AWS_184:Public pictures; the key that AWS keeps is enough
  creation_token = "${var.name}-covers"
  encrypted      = true

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }

  lifecycle_policy {
    transition_to_primary_storage_class = "AFTER_1_ACCESS"
  }
}

resource "aws_efs_backup_policy" "this" {
  file_system_id = aws_efs_file_system.this.id

  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_efs_access_point" "this" {
  file_system_id = aws_efs_file_system.this.id

  posix_user {
    uid = 10001 # the image's user
    gid = 10001
  }

  root_directory {
    path = "/shop"

    creation_info {
      owner_uid   = 10001
      owner_gid   = 10001
      permissions = "0700"
    }
  }
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-covers-"
  description = "NFS, from the shop's tasks only"
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
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_efs_mount_target" "this" {
  count           = length(var.subnet_ids)
  file_system_id  = aws_efs_file_system.this.id
  subnet_id       = var.subnet_ids[count.index]
  security_groups = [aws_security_group.this.id]
}
