# syntax=docker/dockerfile:1

FROM node:22-bookworm-slim AS playground
WORKDIR /src/playground
COPY playground/package.json playground/package-lock.json playground/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY playground ./
RUN npm run build

FROM node:22-bookworm-slim AS dashboard
WORKDIR /src/dashboard
COPY dashboard/package.json dashboard/package-lock.json dashboard/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY schema.graphql ../
COPY dashboard ./
RUN npm run build

FROM node:22-bookworm-slim AS sdk
WORKDIR /src/sdk
COPY sdk/package.json sdk/package-lock.json sdk/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY sdk ./
RUN npm run build

FROM node:22-bookworm-slim AS geo
WORKDIR /src/geo
COPY geo/package.json geo/package-lock.json geo/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci

FROM rust:1.95-bookworm AS server
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY migration migration
COPY src src
COPY dashboard/operations dashboard/operations
COPY --from=dashboard /src/dashboard/dist dashboard/dist
COPY --from=playground /src/playground/dist playground/dist
COPY --from=sdk /src/sdk/dist sdk/dist
COPY --from=geo /src/geo geo
# Dependencies and what was compiled stay in the cache of the builder, not in a layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin event-analytics \
    && install -D target/release/event-analytics /out/event-analytics \
    && install -d /out/data

# glibc, CA certificates and a user without rights; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=server /out/event-analytics /usr/local/bin/event-analytics
COPY --from=server --chown=nonroot:nonroot --chmod=700 /out/data /data
ENV LISTEN_ADDR=0.0.0.0:8080 DATA_DIR=/data LOG_FORMAT=json
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["/usr/local/bin/event-analytics", "health"]
ENTRYPOINT ["/usr/local/bin/event-analytics"]
CMD ["serve"]
