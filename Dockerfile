# The service alone; compose.yaml puts an event store and a Postgres beside it. Without EVENTSTORE_URL and DATABASE_URL
# it brings its own of both and keeps everything in /data.
FROM oven/bun:1.4.5-slim AS dependencies
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production
COPY src ./src
RUN bun src/dashboard/build.ts

FROM oven/bun:1.4.5-slim
WORKDIR /app
# An ordinary user: Postgres refuses to run as root, and nothing here needs it.
RUN mkdir /data && chown bun:bun /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json bun.lock bunfig.toml tsconfig.json LICENSE README.md ./
COPY --from=dependencies /app/src ./src
COPY projections ./projections
USER bun
ENV HOST=0.0.0.0 PORT=3000 DATA_DIR=/data LOG_FORMAT=json
VOLUME /data
EXPOSE 3000
# Longer than the service takes to stop in order.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["bun", "-e", "const answer = await fetch('http://127.0.0.1:3000/health/ready'); process.exit(answer.ok ? 0 : 1)"]
# Not through a script of package.json: signals go to the service itself.
ENTRYPOINT ["bun", "src/main.ts"]
