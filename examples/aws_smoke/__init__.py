"""What no emulator can show, asked of AWS itself, once, by somebody with an account: `make aws-smoke`.

Deploys a stack of its own with sam, puts models into it, checks what this project says of AWS, prints a report, and
deletes all that it made. It costs a few cents. With `--emulator` it looks at a stack that runs on this machine instead
(`clipper-sls dev --aws`), and says where that is not like AWS.
"""
