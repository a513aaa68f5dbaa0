process HAUL_QUICKCHECK {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(files, stageAs: 'input/*')

    output:
    tuple val(meta), path("${prefix}.quickcheck.jsonl"), emit: report
    tuple val("${task.process}"), val('haul'), eval("haul --version | cut -d ' ' -f 2"), topic: versions, emit: versions_haul

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    haul quickcheck \\
        $args \\
        --json \\
        input \\
        > ${prefix}.quickcheck.jsonl
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.quickcheck.jsonl
    """
}
