# The Active LTS line of Node; .github/workflows/ci.yml runs the tests on it.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /dependencies
COPY package.json package-lock.json .npmrc ./
# No production dependency needs an install script.
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8787
WORKDIR /weir
# Everything belongs to root: the process can read its program and not change it.
COPY --from=dependencies /dependencies/node_modules ./node_modules
COPY package.json LICENSE ./
COPY --from=build /build/dist/src ./dist/src
USER node
EXPOSE 8787
STOPSIGNAL SIGTERM
# Reads the same variables as the gateway, so it asks the right port, by https where WEIR_TLS_CERT is set.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "dist/src/entry/healthcheck.js"]
ENTRYPOINT ["node", "dist/src/entry/cli.js"]
