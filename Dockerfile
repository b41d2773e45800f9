# The action's image: one static binary and the certificates it trusts.
# Time zones are embedded in the binary. On main every job builds this; a
# release rewrites action.yml to the published image, pinned by digest.
FROM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags="-s -w -X sluice/internal/app.Version=${VERSION}" -o /sluice .

# No USER and no WORKDIR: GitHub mounts the workspace and the files it reads
# outputs from, and both belong to root.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /sluice /sluice
ENTRYPOINT ["/sluice"]
