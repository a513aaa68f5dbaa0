process HAUL_SYNC {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), val(source)

    output:
    tuple val(meta), path("${prefix}/")             , emit: files
    tuple val(meta), path("${prefix}.receipt.jsonl"), emit: receipt
    tuple val("${task.process}"), val('haul'), eval("haul --version | cut -d ' ' -f 2"), topic: versions, emit: versions_haul

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    haul sync \\
        $args \\
        --no-progress \\
        --receipt ${prefix}.receipt.jsonl \\
        '$source' \\
        '${prefix}/'
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}
    touch ${prefix}/reads.bam ${prefix}.receipt.jsonl
    """
}
