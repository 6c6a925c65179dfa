# docker build -t livestep . && docker run --rm -p 7860:7860 --read-only --tmpfs /tmp livestep
# Needs no disk: with --read-only, what visitors bring lies in the memory that is /tmp.
FROM python:3.12-slim
WORKDIR /livestep
COPY requirements.txt ./
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt
COPY . ./
RUN python -m compileall -q app.py app core
# a number, since nobody has to be called by name; some libraries want names and a home all the same
USER 1000:1000
ENV HOME=/tmp USER=livestep PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/livestep/health', timeout=5)"]
CMD ["python", "app.py", "--host", "0.0.0.0"]
