"""Pin the pretraining corpus: permissively licensed Python projects, none of which is in the small benchmark.

Usage: python3 scripts/pins/pin_pretrain.py [DOWNLOADS]   (default data/cache/downloads)
pip fetches the newest wheel of every name below from whatever indexes it is configured with; wheels are read, never
installed, and their code never runs. Result: data/corpora/pretrain.json.
"""
import os
import sys

from wheels import PYTHON, download, licence_is_permissive, newest_by_name, read_wheel, write_json

# Cloud services written in one community's style; nearly half of their text is tests.
SERVICES = """
barbican cinder designate glance horizon ironic keystone manila mistral neutron nova octavia openstack-heat
openstacksdk swift
"""
# Libraries and tools, mostly without their tests.
LIBRARIES = """
absl-py aiohttp alembic altair anthropic anyio asn1crypto authlib babel beartype beautifulsoup4 bitarray black
bokeh boltons botocore cantera celery click cma cocotb coverage cryptography curl-cffi cyclopts cython dash
datasets dateparser deepdiff distlib django dnspython docker elasticsearch etils ezdxf fastapi filelock
fla-core flax fonttools formulaic fsspec galois gguf gitpython google-api-core google-auth graphql-core
griffelib groq grpcio gunicorn gymnasium html5lib httpx2 huggingface-hub imageio invoke ipython jax jedi
jinja2 jupyter-server kombu langchain langchain-core langchain-openai langgraph langgraph-sdk langsmith
librosa lightgbm linopy lm-eval mcp meshio meson mir-eval mistral-common narwhals neo4j oauthlib onnx onnx-ir
onnxscript open-clip-torch openai openpyxl opentelemetry-sdk optuna orbax-checkpoint packaging pandapower
pandas pandera pdfminer-six peft pendulum pillow pip poetry-core portalocker prompt-toolkit protobuf
py-key-value-aio pyasn1-modules pydantic pydicom pygments pymodbus pymongo pymoo pyparsing pypdf pypdfium2
pypsa pytest python-docx pytorch-lightning pyzmq qutip rdflib redis reportlab rich ruamel-yaml
scikit-build-core scikit-fem scikit-image scipy seaborn selenium sentence-transformers shap spacy sphinx
sqlalchemy streamlit tensorboard tifffile timm torch-geometric torchmetrics tox transformers treescope trimesh
trl typer urllib3 wasmtime websockets werkzeug xlrd xlsxwriter xmlschema yfinance
"""
NAMES = (SERVICES + LIBRARIES).split()
# One project must not drown the others.
CAP = 8_000_000


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "data", "cache", "downloads")
    download(NAMES, folder)
    pins, seen, total, count = [], set(), 0, 0
    for name, path in sorted(newest_by_name(folder, NAMES).items()):
        wheel = read_wheel(path)
        if not licence_is_permissive(wheel["pin"]["licence"]):
            print(f"refused, licence: {name} ({wheel['pin']['licence']})")
            continue
        kept = 0
        for digest, size in sorted(set(wheel["files"].values())):
            if digest not in seen and kept + size <= CAP:
                seen.add(digest)
                kept += size
                count += 1
        total += kept
        pins.append(wheel["pin"])
    write_json(os.path.join(root, "data", "corpora", "pretrain.json"), {
        "name": "pretrain",
        "description": "Wheels whose Python text pretrains the code model. No project of mini.json is among them; "
                       "`exclude` holds the SHA-256 of the vendored files that also stand in mini.json's wheels.",
        "python": PYTHON,
        "platform": "manylinux x86_64",
        "projects": pins,
        "exclude": [],
    })
    print(f"{len(pins)} projects, {count} distinct files, {total / 1e6:.1f} MB of Python (at most {CAP / 1e6:.0f} MB a project)")


if __name__ == "__main__":
    main()
