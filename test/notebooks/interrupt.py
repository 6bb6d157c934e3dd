"""Runs a cell in the project's kernel until it shows something, presses stop as JupyterLab does, and prints as JSON how the cell
ended, the processor seconds that the kernel used in the 4 s from a second after it, and what the next cell printed.

Usage: python interrupt.py CELL
"""
import json
import os
import queue
import sys
import time

from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name='tslab')
manager.start_kernel()
try:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)

    def seconds():
        fields = open(f'/proc/{manager.provisioner.process.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def messages(cell, until):
        """What the cell sends, up to and with the first of the kinds `until`."""
        found, end = [], time.time() + 120
        while time.time() < end:
            try:
                message = client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if message['parent_header'].get('msg_id') != cell:
                continue
            kind = message['content'].get('execution_state', message['msg_type'])
            found.append((kind, message['content'].get('text', '')))
            if kind in until:
                return found
        sys.exit(f'no {until} in two minutes, but {found}')

    cell = client.execute(sys.argv[1])
    messages(cell, ['display_data', 'update_display_data'])
    time.sleep(2)
    manager.interrupt_kernel()
    ended = messages(cell, ['idle'])
    time.sleep(1)
    before = seconds()
    time.sleep(4)
    used = seconds() - before
    after = messages(client.execute("console.log('alive')"), ['idle'])
    print(json.dumps({'ended': ''.join(text for kind, text in ended), 'seconds': used, 'after': ''.join(text for kind, text in after)}))
finally:
    manager.shutdown_kernel(now=True)
