# Trains the default on a CPU:
#   docker build -t seq2seq-ocr .
#   docker run -v "$PWD/experiments:/seq2seq-ocr/experiments" seq2seq-ocr
# Reads an image:
#   docker run -v "$PWD:/data" seq2seq-ocr --predict --filename /data/word.png
FROM python:3.11-slim
WORKDIR /seq2seq-ocr
COPY requirements.txt requirements-read.txt requirements-train.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt
COPY . .
ENTRYPOINT ["python", "main.py"]
CMD ["--train"]
