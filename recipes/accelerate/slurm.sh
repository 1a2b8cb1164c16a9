#!/usr/bin/env bash
# sbatch "$(ganstyle recipes path accelerate/slurm)" starry_night [key=value …]
#
# Two machines with four GPUs each, through SLURM. SIGTERM comes two minutes before the time is up: the run saves its
# state and exits, and the same command resumes it.
#SBATCH --job-name=ganstyle
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
set -euo pipefail

config=$(ganstyle recipes path accelerate/multi_node)
main_host=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# The inner quotes keep SLURM_NODEID unexpanded until it is read on each machine; "$@" is passed through bash.
srun --kill-on-bad-exit=1 bash -c 'exec accelerate launch \
    --config_file "$1" \
    --num_machines "$SLURM_JOB_NUM_NODES" \
    --num_processes "$((SLURM_JOB_NUM_NODES * 4))" \
    --machine_rank "$SLURM_NODEID" \
    --main_process_ip "$0" \
    -m ganstyle train "${@:2}"' "$main_host" "$config" "$@"
