# python of the environment to work in: make PYTHON=.venv/bin/python ...
PYTHON ?= python
DATA ?= data/free
WORLD ?= data/blocks-small
MINUTES ?= 60

.PHONY: setup check test test-all app bench train-motion train-video train-place web

setup:
	$(PYTHON) -m pip install -r requirements-dev.txt

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m pyright --pythonpath "$$($(PYTHON) -c 'import sys; print(sys.executable)')"

test:  # what a change needs to pass, within a minute
	$(PYTHON) -m pytest -m "not browser and not slow and not gl and not gpu"

test-all:
	$(PYTHON) -m pytest

app:
	$(PYTHON) app.py

bench:
	$(PYTHON) -m benchmarks.motion_speed --out benchmarks/motion_speed.json
	$(PYTHON) -m benchmarks.motion_quality --data $(DATA) --out benchmarks/motion_quality.json
	$(PYTHON) -m benchmarks.steering --data $(DATA) --seeds 3 --out benchmarks/steering.json
	$(PYTHON) -m benchmarks.video_speed --out benchmarks/video_speed.json
	$(PYTHON) -m benchmarks.video_quality --data $(WORLD) --out benchmarks/video_quality.json
	$(PYTHON) -m benchmarks.video_memory --out benchmarks/video_memory.json

train-motion:  # all of it, in order
	$(PYTHON) -m train.aligner --data $(DATA)
	$(PYTHON) -m train.evaluator --data $(DATA)
	$(PYTHON) -m train.vae --data $(DATA)
	$(PYTHON) -m train.motion --data $(DATA)

train-video:  # all of it, in order; records 11 GB of frames first
	test -f $(WORLD)/meta.json || $(PYTHON) -m train.worlds blocks --size 128x96 --workers 2 --out $(WORLD)
	$(PYTHON) -m train.tokenizer --data $(WORLD)
	$(PYTHON) -m train.seeds --data $(WORLD)
	$(PYTHON) -m train.video --data $(WORLD)
	$(PYTHON) -m train.distill --data $(WORLD)
	$(PYTHON) -m train.rollout --data $(WORLD)
	$(PYTHON) -m train.tokenizer --data $(WORLD) --decoder-only --run runs/tokenizer-decoder

train-place:  # a world that knows where it is; MINUTES says how long
	$(PYTHON) -m train.place blocks --minutes $(MINUTES)

web:  # the page's bundle; Node 20 or newer
	$(PYTHON) -m app.generate_protocol
	cd app/web && npm ci && npm run build
