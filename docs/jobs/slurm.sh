#!/bin/bash
# One training on all GPUs of 4 machines: sbatch docs/jobs/slurm.sh
# The same command resumes after a failure or a time limit, also with other numbers of nodes and tasks.
#SBATCH --job-name=seq2seq-ocr
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=6
#SBATCH --time=24:00:00
# SIGTERM two minutes before the end: the training saves its state and stops by itself.
#SBATCH --signal=TERM@120
#SBATCH --requeue

# JAX reads from SLURM's variables the number of each process, how many there are, and the first node, where
# they meet. The experiment folder and the data must be on storage that all nodes share.
srun --kill-on-bad-exit=1 .venv/bin/python main.py -c configs/synthetic.yml --train --set \
    train.distribution.strategy=data_parallel \
    train.packed.folder=/shared/packed \
    train.batch_size=2048 \
    train.num_workers=5 \
    experiment_folder=/shared/experiments/synthetic
