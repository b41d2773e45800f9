# The action's image as every job on main builds it: one static binary and the
# certificates it trusts. Time zones are embedded in the binary. A release builds no
# image of this: it puts its own binaries into one of the same form
# (internal/release) and rewrites action.yml to that, pinned by digest.
ARG GO=golang:1.26.8@sha256:0f063af2d465d8dcae54cce04278ada488b96f77b42449c8d071e47d016cc65a
FROM ${GO} AS build
WORKDIR /src
# No `go mod download` first: of all modules that go.mod names, the build fetches half.
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -buildvcs=false $(cat build.flags) -ldflags="$(cat link.flags) -X sluice/internal/app.Version=${VERSION}" -o /sluice .

# No USER and no WORKDIR: GitHub mounts the workspace and the files it reads
# outputs from, and both belong to root.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /sluice /sluice
ENTRYPOINT ["/sluice"]
