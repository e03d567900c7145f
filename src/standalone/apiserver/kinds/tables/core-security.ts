/** Security contexts of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_SECURITY = `
AppArmorProfile union=type(localhostProfile)
 type 1 string! =""
 localhostProfile 2 string?
Capabilities
 add 1 []string list=atomic
 drop 2 []string list=atomic
PodSecurityContext
 seLinuxOptions 1 SELinuxOptions
 runAsUser 2 int64?
 runAsNonRoot 3 bool?
 supplementalGroups 4 []int64 list=atomic
 fsGroup 5 int64?
 runAsGroup 6 int64?
 sysctls 7 []Sysctl list=atomic
 windowsOptions 8 WindowsSecurityContextOptions
 fsGroupChangePolicy 9 string?
 seccompProfile 10 SeccompProfile
 appArmorProfile 11 AppArmorProfile
 supplementalGroupsPolicy 12 string?
 seLinuxChangePolicy 13 string?
SELinuxOptions
 user 1 string
 role 2 string
 type 3 string
 level 4 string
SeccompProfile union=type(localhostProfile)
 type 1 string! =""
 localhostProfile 2 string?
SecurityContext
 capabilities 1 Capabilities
 privileged 2 bool?
 seLinuxOptions 3 SELinuxOptions
 runAsUser 4 int64?
 runAsNonRoot 5 bool?
 readOnlyRootFilesystem 6 bool?
 allowPrivilegeEscalation 7 bool?
 runAsGroup 8 int64?
 procMount 9 string?
 windowsOptions 10 WindowsSecurityContextOptions
 seccompProfile 11 SeccompProfile
 appArmorProfile 12 AppArmorProfile
Sysctl
 name 1 string! =""
 value 2 string! =""
WindowsSecurityContextOptions
 gmsaCredentialSpecName 1 string?
 gmsaCredentialSpec 2 string?
 runAsUserName 3 string?
 hostProcess 4 bool?
`;
