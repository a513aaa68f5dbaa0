// Package jobs holds the documents that haul prints for schedulers against their published types: those of the AWS SDK for AWS Batch,
// and of k8s.io/api for Kubernetes.
package jobs
