/**
 * A real Slurm of one node on the loopback address, with nothing of the system's, for the tests: Debian's slurm-wlm and munge,
 * started as processes of its own on free ports and ended with the test.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.js';

const installed = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } }).status === 0;
/** Why there is none here; false where there can be. */
export const noSlurm: string | false = process.getuid?.() !== 0 ? 'only root may start a Slurm'
  : ['munged', 'slurmctld', 'slurmd', 'sbatch'].every(installed) ? false : 'no Slurm: apt-get install slurm-wlm munge';

export interface Cluster {
  env: NodeJS.ProcessEnv;
  /** What one of Slurm's commands prints. */
  ask(command: string, ...args: string[]): string;
  /** The node's daemon. */
  startNode(): void;
  stopNode(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const dir = mkdtempSync(join(tmpdir(), 'slurm-')), [controller, node] = [await freePort(), await freePort()];
  for (const name of ['state', 'spool', 'run', 'munge']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'munge.key'), randomBytes(1024), { mode: 0o600 });
  execFileSync('chmod', ['711', dir, join(dir, 'munge')]);
  writeFileSync(join(dir, 'slurm.conf'), `ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${node}
AuthType=auth/munge
AuthInfo=socket=${dir}/munge/m.sock,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
SlurmctldPidFile=${dir}/run/slurmctld.pid
SlurmdPidFile=${dir}/run/slurmd.pid
SlurmctldLogFile=${dir}/slurmctld.log
SlurmdLogFile=${dir}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
MinJobAge=300
KillWait=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=${availableParallelism()} RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`);
  const env = { ...process.env, SLURM_CONF: join(dir, 'slurm.conf'), PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const ask = (command: string, ...args: string[]): string => execFileSync(command, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const end = async (name: string): Promise<void> => {
    const path = join(dir, 'run', `${name}.pid`);
    if (!existsSync(path)) return;
    const pid = readFileSync(path, 'utf8').trim();
    spawnSync('kill', [pid]);
    for (let look = 0; look < 50 && existsSync(`/proc/${pid}`); look++) await sleep(100);
  };
  // Daemons close what they are given, so nothing of theirs is waited for but their parents' end.
  const start = (command: string, ...args: string[]): void => { execFileSync(command, args, { env, stdio: 'ignore' }); };
  const cluster: Cluster = {
    env, ask,
    startNode: () => start('slurmd', '-N', 'localhost'),
    stopNode: () => end('slurmd'),
    stop: async () => {
      for (const name of ['slurmd', 'slurmctld', 'munged']) await end(name);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  try {
    start('munged', '--force', `--key-file=${dir}/munge.key`, `--socket=${dir}/munge/m.sock`, `--pid-file=${dir}/run/munged.pid`, `--log-file=${dir}/munge/m.log`, `--seed-file=${dir}/munge/m.seed`);
    start('slurmctld');
    cluster.startNode();
    for (let look = 0; look < 60; look++) {
      const idle = spawnSync('sinfo', ['--noheader', '--format=%T'], { env, encoding: 'utf8' }).stdout;
      if (/idle/.test(idle ?? '')) return cluster;
      await sleep(500);
    }
    const log = join(dir, 'slurmctld.log');
    throw new Error(`no idle node after 30 s: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-1000) : 'no log'}`);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
