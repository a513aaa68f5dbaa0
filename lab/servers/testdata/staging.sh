# Stages files and folders through aws s3 as the wrapper of a workflow engine does around a task: functions of bash, quiet copies,
# ls to tell a folder from a file, tries that are made again, several at a time.
set -euo pipefail

# again CMD…: tries up to three times.
again() {
    local try=1 code
    while true; do
        set +e
        "$@"
        code=$?
        set -e
        if [[ $code -eq 0 ]]; then return 0; fi
        if [[ $try -ge 3 ]]; then return $code; fi
        try=$((try + 1))
        sleep 0.1
    done
}

# side_by_side CMD…: runs commands, each a word, at most two at once, and fails if one does.
side_by_side() {
    local pids=() cmd pid failed=0
    for cmd in "$@"; do
        eval "$cmd" &
        pids+=($!)
        if [[ ${#pids[@]} -ge 2 ]]; then
            wait "${pids[0]}" || failed=1
            pids=("${pids[@]:1}")
        fi
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=1
    done
    return $failed
}

# put NAME URL: a stream, a folder, or a file.
put() {
    local name=$1 url=$2
    if [[ $name == - ]]; then
        aws s3 cp --only-show-errors --storage-class STANDARD - "$url"
    elif [[ -d $name ]]; then
        aws s3 cp --only-show-errors --recursive --storage-class STANDARD "$name" "$url/$name"
    else
        aws s3 cp --only-show-errors --storage-class STANDARD "$name" "$url/$name"
    fi
}

# get URL TARGET: a folder if ls shows one of that name.
get() {
    local url=$1 target=$2 name folder
    name=$(basename "$url")
    folder=$(aws s3 ls "$url" | grep -F "PRE $name/" -c || true)
    if [[ $folder == 1 ]]; then
        aws s3 cp --only-show-errors --recursive "$url" "$target"
    else
        aws s3 cp --only-show-errors "$url" "$target"
    fi
}

aws s3 mb s3://lab
mkdir -p inputs/genome
for i in 1 2 3; do printf '@r%s\nACGT\n+\nIIII\n' "$i" > "inputs/sample_$i.fastq"; done
echo '>chr1' > inputs/genome/ref.fa
echo 'chr1 4' > inputs/genome/ref.fa.fai

cd inputs
side_by_side 'again put sample_1.fastq s3://lab/in' 'again put sample_2.fastq s3://lab/in' 'again put sample_3.fastq s3://lab/in' \
    'again put genome s3://lab/in'
cd ..

mkdir -p task && cd task
side_by_side 'again get s3://lab/in/sample_1.fastq sample_1.fastq' 'again get s3://lab/in/sample_2.fastq sample_2.fastq' \
    'again get s3://lab/in/genome genome'
cat sample_*.fastq genome/ref.fa > result.txt
mkdir -p out/deep && cp result.txt out/deep/result.txt && echo ok > out/status
{ echo started; date +%Y > /dev/null; } | again put - s3://lab/task/.command.begin
again put result.txt s3://lab/task
again put out s3://lab/task
aws s3 cp --only-show-errors s3://lab/task/.command.begin - | cat
aws s3 ls s3://lab/task/
aws s3 ls s3://lab/task/.exitcode || echo "no exit code yet: $?"
printf 0 | aws s3 cp --only-show-errors - s3://lab/task/.exitcode
aws s3 ls s3://lab/task/.exitcode
again get s3://lab/task/nothing nothing || echo "gave up: $?"
