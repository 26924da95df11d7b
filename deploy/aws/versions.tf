terraform {
  required_version = ">= 1.11.0" # write-only arguments: the database's password is in no state; OpenTofu has them since 1.11 too

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # Where the state is kept; `deploy.sh` gives bucket and region (-backend-config), so that none is written here.
  backend "s3" {
    key          = "tickets/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = var.name }
  }
}

# Route 53's health checks have their metrics in this region only.
provider "aws" {
  alias  = "virginia"
  region = "us-east-1"

  default_tags {
    tags = { project = var.name }
  }
}
