process HAUL_VERIFY {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(manifest), val(target)

    output:
    tuple val(meta), path("${prefix}.verify.json"), emit: report
    tuple val("${task.process}"), val('haul'), eval("haul --version | cut -d ' ' -f 2"), topic: versions, emit: versions_haul

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    haul verify \\
        $args \\
        --no-progress \\
        --report ${prefix}.verify.json \\
        '$manifest' \\
        '$target'
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo '{}' > ${prefix}.verify.json
    """
}
