# The product in one image: API, projectors and the `holdfast` command. Build it from the root: docker build -t holdfast .
# The version of Node is the one that package.json pins. Debian, not Alpine: the tools that build need glibc.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci
RUN npm run build

FROM node:24.21.0-bookworm-slim
COPY --from=build /src/dist /opt/holdfast
RUN ln -s /opt/holdfast/cli/holdfast.js /usr/local/bin/holdfast \
  && install -d -o node -g node -m 0755 /var/lib/holdfast
# The image's own user, 1000. The program needs to write nowhere but in its data directory.
USER node
WORKDIR /opt/holdfast
ENV HOLDFAST_DATA_DIR=/var/lib/holdfast
VOLUME /var/lib/holdfast
EXPOSE 8080
# Alive, not ready: a node that waits for the log serves readers all the same.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HOLDFAST_PORT || 8080}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "start.js"]
