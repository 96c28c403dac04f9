# gphotosfs in a container: /config has the home, /storage the photos. See native-notes/containers.md.
ARG BASE=docker.io/library/node:22-bookworm-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++
WORKDIR /build
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
RUN npm ci --ignore-scripts
COPY src src
# Without what a compiler needs and leaves behind. fuse-native is not for here: the kernel's own protocol serves.
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts \
 && npm rebuild --ignore-scripts=false better-sqlite3 koffi \
 && rm -rf node_modules/fuse-native node_modules/fuse-shared-library* \
           node_modules/better-sqlite3/build/Release/obj* node_modules/better-sqlite3/deps

FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends fuse3 util-linux && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/package.json /opt/gphotosfs/
COPY --from=build /build/node_modules /opt/gphotosfs/node_modules
COPY --from=build /build/dist /opt/gphotosfs/dist
COPY .container/entry /usr/local/bin/gphotosfs
ENV GPHOTOSFS_HOME=/config GPHOTOSFS_CACHE=/storage HOME=/config
RUN mkdir -p /config /storage && chown 1000:1000 /config /storage
VOLUME ["/config", "/storage"]
# An ordinary user unless something else is said: "user:" in compose, or root with PUID and PGID.
USER 1000:1000
ENTRYPOINT ["gphotosfs"]
CMD ["status"]
