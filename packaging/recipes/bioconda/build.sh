#!/bin/bash
set -euo pipefail

export CGO_ENABLED=0
export GOPATH="${PWD}/go"
export GOFLAGS="-modcacherw" # conda must be able to delete the folder

mkdir -p "${PREFIX}/bin" "${PREFIX}/share/man/man1" "${PREFIX}/share/man/man7" "${PREFIX}/share/bash-completion/completions"
go build -trimpath -ldflags="-s -w -X haul.example/haul/internal/command.release=v${PKG_VERSION}" -o "${PREFIX}/bin/haul" ./cmd/haul
cp man/man1/*.1 "${PREFIX}/share/man/man1/"
cp man/man7/*.7 "${PREFIX}/share/man/man7/"
"${PREFIX}/bin/haul" completion bash > "${PREFIX}/share/bash-completion/completions/haul"
