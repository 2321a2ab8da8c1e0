# Trains the default on a CPU:
#   docker build -t seq2seq-ocr .
#   docker run -v "$PWD/experiments:/seq2seq-ocr/experiments" seq2seq-ocr
# Reads an image, or pages; tools are other entry points:
#   docker run -v "$PWD:/data" seq2seq-ocr --predict --filename /data/word.png
#   docker run -v "$PWD:/data" seq2seq-ocr --predict --page --filename /data/letter.jpg --output /data/text.json
#   docker run -v "$PWD:/data" --entrypoint python seq2seq-ocr -m tools.create_labels --help
FROM python:3.11-slim
WORKDIR /seq2seq-ocr
COPY requirements.txt requirements-read.txt requirements-train.txt requirements-pages.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt --requirement requirements-pages.txt
COPY . .
ENTRYPOINT ["python", "main.py"]
CMD ["--train"]
