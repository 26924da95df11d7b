# The shop: web, worker and commands are one image. The sandbox, tests, assets and benches stay outside.
# bin/image_tree.sh performs these very lines where no Docker is at hand; it knows the instructions used here.
# Name the base by its digest to have the same image again: --build-arg BASE=python@sha256:...

ARG BASE=python:3.11-slim
FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/venv
RUN pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes -r requirements.lock

FROM ${BASE}
ENV PATH=/opt/venv/bin:$PATH
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV VAR_DIR=/data STATIC_ROOT=/app/staticfiles
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY manage.py gunicorn.conf.py ./
COPY static ./static/
COPY locale ./locale/
COPY templates ./templates/
COPY accounts ./accounts/
COPY events ./events/
COPY payments ./payments/
COPY tickets ./tickets/
COPY ticketsuma ./ticketsuma/
RUN python -m compileall -q .
# Secrets of this one command; the running shop gets its own from the environment.
RUN set -a; SITE_URL=https://image.invalid EMAIL_URL=dummymail:// VAR_DIR=/tmp; \
    for name in SECRET_KEY JWT_SECRET SECOND_FACTOR_KEYS LIGHTSPARK_API_TOKEN_CLIENT_ID LIGHTSPARK_API_TOKEN_CLIENT_SECRET \
        LIGHTSPARK_NODE_ID LIGHTSPARK_NODE_PASSWORD LIGHTSPARK_WEBHOOK_SIGNING_KEY; do \
        eval "$name=$(python -c 'import secrets; print(secrets.token_hex(32))')"; done; \
    eval "$(DEBUG=1 SITE_URL=http://localhost python manage.py uma_keys)"; \
    python manage.py collectstatic --no-input --verbosity 0 --ignore redoc --ignore rest_framework
RUN install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8080') + '/health/live', timeout=4)"]
CMD ["python", "-m", "gunicorn", "-c", "gunicorn.conf.py", "ticketsuma.wsgi"]
