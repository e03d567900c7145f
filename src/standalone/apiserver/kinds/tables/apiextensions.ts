/**
 * CustomResourceDefinitions of apiextensions.k8s.io/v1; their schemas are checked by ../../crd. They come as JSON or YAML:
 * the fields have no protobuf numbers. Notation: see ../schema/notation.ts.
 */
export const APIEXTENSIONS = `
CustomResourceColumnDefinition
 name - string! =""
 type - string! =""
 format - string
 description - string
 priority - int32
 jsonPath - string! =""
CustomResourceConversion
 strategy - string! ="" | None; webhooks are not called here.
 webhook - raw
CustomResourceDefinition kind | A kind that is served as those that are built in.
 metadata - meta.ObjectMeta ={}
 spec - CustomResourceDefinitionSpec! ={} | What the kind is called, and what its objects are like.
 status - CustomResourceDefinitionStatus ={} | Whether it is served.
CustomResourceDefinitionCondition
 type - string! =""
 status - string! =""
 lastTransitionTime - time
 reason - string
 message - string
 observedGeneration - int64
CustomResourceDefinitionList kind
 metadata - meta.ListMeta ={}
 items - []CustomResourceDefinition!
CustomResourceDefinitionNames
 plural - string! ="" | As in paths: httproutes.
 singular - string
 shortNames - []string list=atomic
 kind - string! ="" | As in objects: HTTPRoute.
 listKind - string
 categories - []string list=atomic | Names for several kinds at once, as all.
CustomResourceDefinitionSpec
 group - string! ="" | The API group: gateway.networking.k8s.io.
 names - CustomResourceDefinitionNames! ={}
 scope - string! ="" | Namespaced or Cluster.
 versions - []CustomResourceDefinitionVersion! list=atomic | The versions, exactly one of which is stored.
 conversion - CustomResourceConversion
 preserveUnknownFields - bool
CustomResourceDefinitionStatus
 conditions - []CustomResourceDefinitionCondition list=map(type)
 acceptedNames - CustomResourceDefinitionNames ={}
 storedVersions - []string list=atomic
CustomResourceDefinitionVersion
 name - string! =""
 served - bool! =false
 storage - bool! =false
 deprecated - bool
 deprecationWarning - string?
 schema - CustomResourceValidation
 subresources - CustomResourceSubresources
 additionalPrinterColumns - []CustomResourceColumnDefinition list=atomic
 selectableFields - []SelectableField list=atomic
CustomResourceSubresourceScale
 specReplicasPath - string! =""
 statusReplicasPath - string! =""
 labelSelectorPath - string?
CustomResourceSubresources
 status - raw
 scale - CustomResourceSubresourceScale
CustomResourceValidation
 openAPIV3Schema - raw | The structural schema of the objects.
SelectableField
 jsonPath - string! =""
`;
