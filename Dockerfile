FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY workers workers
COPY trainer trainer
COPY sandbox sandbox
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
# PYTHONUTF8: the Labelbox SDK writes exports to disk in the locale's encoding.
ENV PATH=/venv/bin:$PATH PYTHONUTF8=1 PYTHONUNBUFFERED=1 TUNELOOP_DATA=/data TUNELOOP_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /data tuneloop && install -d -m 700 -o tuneloop /data
COPY --from=build /venv /venv
USER tuneloop
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["tuneloop"]
CMD ["serve"]
